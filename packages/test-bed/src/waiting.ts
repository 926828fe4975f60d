// Waiting for something another process does, which nothing announces. The only file of the test bed with timers.

const POLL_MS = 10

/** Resolves once `check` answers true; rejects with what was waited for when it takes too long. */
export async function until(
  check: () => boolean | Promise<boolean>,
  options: { readonly what: string; readonly timeoutMs: number },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`${options.what}: not within ${options.timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

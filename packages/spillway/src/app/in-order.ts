// How the parts of a process are stopped: one after the other, none of them left out because another one failed.

/** A step that has nothing to stop gives nothing to wait for. */
export type Step = () => unknown

/** Every step is taken even when one of them fails; the first failure is rethrown at the end. */
export async function inOrder(steps: readonly Step[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

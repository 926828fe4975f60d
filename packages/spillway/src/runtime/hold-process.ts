// A running Spillway keeps its process alive until it is closed, like a server does: its own timers do not, so that none of
// them can delay an exit, and without this a script that awaits an outcome would end in the middle.

const LONGEST_TIMER_MS = 2 ** 31 - 1

export function holdProcess(): () => void {
  const timer = setInterval(() => {}, LONGEST_TIMER_MS)
  return () => clearInterval(timer)
}

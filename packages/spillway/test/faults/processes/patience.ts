// How long tests wait for other processes: far longer than anything takes on a machine that has nothing else to do.

export const PATIENCE = { timeout: 40_000, interval: 20 }

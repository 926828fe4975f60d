export { runCampaign } from './campaign.js'
export { CrashDisk } from './crash-disk.js'
export { FakeProcesses } from './fake-processes.js'
export { PLANTED_BUGS } from './planted-bugs.js'

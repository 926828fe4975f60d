export { elsewhere, enlist } from './enlist.js'
export { isStore, newIdentity } from './identity.js'
export type { Runner } from './runner.js'

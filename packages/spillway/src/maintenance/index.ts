export { Maintenance } from './maintenance.js'
export { Registration } from './registration.js'

export { Maintenance } from './maintenance.js'

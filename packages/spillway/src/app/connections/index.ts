export { Connections, type Dependency } from './connections.js'

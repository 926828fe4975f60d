export { appendApart, type Fate } from './append-apart.js'

export { type IntoOptions, into } from './into.js'

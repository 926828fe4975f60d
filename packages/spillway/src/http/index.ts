export { type HandlerOptions, type HttpHandler, httpHandler } from './handler.js'
export type { HttpLimits } from './limits.js'
export { type HttpOptions, httpPlugin } from './plugin.js'
export { type HttpServer, type ServeOptions, serveHttp } from './server.js'

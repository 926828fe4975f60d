export { type AddressGuard, createAddressGuard } from './address-guard.js'
export { callbackBody } from './body.js'
export type { DeliveryResult } from './delivery-result.js'
export { classifyDelivery, type DeliveryVerdict, nextWaitMs, scheduledAttempts } from './schedule.js'
export {
  type CallbackPayload,
  type CallbackSender,
  type CallbackSenderOptions,
  createCallbackSender,
} from './sender.js'
export {
  type CallbackHeaders,
  type RejectedBecause,
  type VerifiedCallback,
  type VerifyOptions,
  verifyCallback,
} from './verification.js'

export {
  type AddressGuard,
  type AddressGuardOptions,
  createAddressGuard,
  type UrlJudgement,
} from './address-guard.js'
export { type CallbackType, callbackBody, type FinishedCommand } from './body.js'
export {
  DELIVERY_FAULTS,
  type DeliveryAnswer,
  type DeliveryFault,
  type DeliveryFaultCode,
  type DeliveryResult,
} from './delivery-result.js'
export type { ResolveHost } from './host-resolver.js'
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

// Which addresses a callback may reach: those of the public internet, and the ranges an operator names. Everything with a special
// meaning is refused (the IANA special-purpose registries, as ipaddr.js has them), and so is every IPv6 form that
// only wraps an IPv4 address: nobody writes those but to get past a check.

import ipaddr from 'ipaddr.js'
import { configError } from '../config/index.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
export type AddressRange = readonly [Address, number]

/** The addresses IANA hands out (RFC 3513, section 2.5.4); everything outside is unassigned, deprecated or not global. */
const IPV6_GLOBAL: AddressRange = ipaddr.parseCIDR('2000::/3')
/** How a host without IPv4 reaches one by NAT64 (RFC 6052); DNS64 answers with such addresses. */
const NAT64: AddressRange = ipaddr.parseCIDR('64:ff9b::/96')
/** A public address by its number that answers every virtual machine of Azure with the machine's own configuration. */
const AZURE_HOST: AddressRange = ipaddr.parseCIDR('168.63.129.16/32')

/** Throws `invalid_config` that names `path` for what is no CIDR range like '10.0.0.0/8'. */
export function addressRange(cidr: string, path: string): AddressRange {
  if (!ipaddr.isValidCIDR(cidr)) throw configError(path, "a CIDR range like '10.0.0.0/8' or 'fd00::/8'", cidr)
  return ipaddr.parseCIDR(cidr)
}

/** Why `address` may not be called, in a few words; null when it may. `allowed` are the operator's own ranges. */
export function refusedAddress(address: string, allowed: readonly AddressRange[]): string | null {
  // A zone id is an interface of this machine; other notations than the usual ones are read by nobody alike.
  if (address.includes('%') || !isPlainNotation(address)) return 'not an address in plain notation'
  const ip = ipaddr.parse(address)
  if (within(ip, NAT64)) return refusedTranslation(ip, allowed)
  if (allowed.some((range) => within(ip, range))) return null
  if (within(ip, AZURE_HOST)) return 'metadata'
  if (ip.range() !== 'unicast') return kindOf(ip.range())
  return ip.kind() === 'ipv6' && !within(ip, IPV6_GLOBAL) ? 'not global' : null
}

/** In a network with DNS64 an operator allows the prefix, and what lies behind it is still judged. */
function refusedTranslation(ip: Address, allowed: readonly AddressRange[]): string | null {
  if (!allowed.some((range) => within(ip, range))) return 'NAT64'
  return refusedAddress(ipaddr.fromByteArray(ip.toByteArray().slice(12)).toString(), allowed)
}

function isPlainNotation(address: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
}

function within(ip: Address, [network, bits]: AddressRange): boolean {
  return ip.kind() === network.kind() && ip.match(network, bits)
}

/** 'carrierGradeNat' -> 'carrier grade nat' */
function kindOf(range: string): string {
  return range.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

import { isIP, isIPv4 } from 'node:net'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * Gives the part of an address that one client cannot change at will: all of an IPv4 address, but only the first 64
 * bits of an IPv6 address, because every subscriber has at least 2^64 of the rest.
 *
 * @param address as Node.js writes it; IPv4 in IPv6 counts as IPv4
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = MAPPED_IPV4.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  const network = groups.slice(0, 4).map((group) => (Number.parseInt(group, 16) || 0).toString(16))
  return `${network.join(':')}::/64`
}

/**
 * Gives the part of an address that tells where somebody is without following a person: the /24 of an IPv4 address, the
 * /48 of an IPv6 address; `undefined` for what is no address.
 */
export function coarseNetworkOf(address: string): string | undefined {
  if (isIP(address) === 0) return undefined
  const network = networkOf(address)
  if (isIPv4(network)) return `${network.split('.').slice(0, 3).join('.')}.0/24`
  const groups = network.split(':').slice(0, 3).join(':')
  // A URL's host is written in the one canonical way.
  return `${new URL(`http://[${groups}::]`).hostname.slice(1, -1)}/48`
}

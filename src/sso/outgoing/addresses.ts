import { BlockList, isIP } from 'node:net'

/** IPv4 networks that are nobody's in the Internet (RFC 6890 and its registry). */
const SPECIAL_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** Of IPv6 one block alone is the Internet's; inside it, these are not: tunnels and documentation. */
const GLOBAL_6 = ['2000::', 3] as const
const SPECIAL_6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const special4 = new BlockList()
for (const [network, prefix] of SPECIAL_4) special4.addSubnet(network, prefix, 'ipv4')
const global6 = new BlockList()
global6.addSubnet(...GLOBAL_6, 'ipv6')
const special6 = new BlockList()
for (const [network, prefix] of SPECIAL_6) special6.addSubnet(network, prefix, 'ipv6')

/** Whether an IP address is one of the Internet, and not of this machine, this network or the cloud's own services. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !special4.check(address, 'ipv4')
  return version === 6 && global6.check(address, 'ipv6') && !special6.check(address, 'ipv6')
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coarseAddress, deviceOf } from './origin.ts'

const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36'

describe('deviceOf', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0', 'Firefox on Linux'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Edg/128.0`, 'Microsoft Edge on Windows'],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${CHROME}`, 'Chrome on macOS'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
    ['something (Linux)', 'Linux'],
    ['Firefox/1', 'Firefox'],
  ])('knows %j', (userAgent, device) => {
    expect(deviceOf(userAgent)).toBe(device)
  })

  it.each([
    undefined,
    '',
    ' ',
    'curl/8.5.0',
    '<script>alert(1)</script>/1 (x) y',
    'constructor/1 (x) y',
    `${' '.repeat(600)}Firefox/1`,
    'a'.repeat(16_000),
    '('.repeat(16_000),
    '\u0000/1 (x) ',
  ])('does not know %j', (userAgent) => {
    expect(deviceOf(userAgent)).toBe('Unknown device')
  })

  it('never repeats what a stranger wrote', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, rest) => {
        expect(deviceOf(`${name}/1 (${rest}) x`)).toMatch(/^[A-Za-z0-9 -]{1,60}$/)
      }),
    )
  })
})

describe('coarseAddress', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['127.0.0.1', '127.0.0.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:DB8::7', '2001:db8::/48'],
    ['2001:db8:0:1::7', '2001:db8::/48'],
    ['::1', '::/48'],
    ['::2:3:4:5:6:7:8', '0:2:3::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
  ])('gives the network of %s', (address, network) => {
    expect(coarseAddress(address)).toBe(network)
  })

  it.each([
    undefined,
    '',
    'unknown',
    '_hidden',
    '192.0.2',
    '192.0.2.77:80',
    '[::1]',
    '<b>',
    '1.2.3.4, 5.6.7.8',
  ])('gives nothing for %j', (address) => {
    expect(coarseAddress(address)).toBeNull()
  })

  it('is the same for all addresses of a network, and for no other', () => {
    const group = fc.nat(0xffff).map((value) => value.toString(16))
    const tail = fc.array(group, { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(group, { minLength: 3, maxLength: 3 }), tail, tail, (head, one, other) => {
        const [first, second] = [one, other].map((rest) => coarseAddress([...head, ...rest].join(':')))
        expect(first).toBe(second)
        const [a = '', ...others] = head
        const changed = (Number.parseInt(a, 16) ^ 1).toString(16)
        expect(coarseAddress([changed, ...others, ...one].join(':'))).not.toBe(first)
      }),
    )
  })
})

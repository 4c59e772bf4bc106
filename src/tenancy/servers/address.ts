/** Host and port of a server's URL, without what gets one in. */
export function addressOf(url: string): string {
  const { hostname, port } = new URL(url)
  return `${hostname.toLowerCase()}:${port || 5432}`
}

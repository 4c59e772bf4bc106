/** What SCIM takes at most. Identity providers stay far below, strangers with a stolen key do not get further. */
export const SCIM_LIMITS = Object.freeze({
  bodyBytes: 256 * 1024,
  /** Most resources of one page; also what `ServiceProviderConfig` promises. */
  pageSize: 200,
  /** Most members on one page of groups, all groups together. */
  pageMembers: 10_000,
  /** Most members that one request names. */
  requestMembers: 1000,
  groupMembers: 10_000,
  filterCharacters: 1024,
  filterDepth: 8,
  filterComparisons: 32,
  pathCharacters: 512,
  operations: 100,
  stringCharacters: 1024,
  /** Of what is searched for by an index, which takes less than three times as much. */
  indexedBytes: 1024,
  arrayElements: 50,
  /** All attributes of one user together, as JSON. */
  attributesBytes: 16 * 1024,
  /** Names in `attributes` or `excludedAttributes`. */
  projectedNames: 50,
})

/** A UUIDv7 in lower case (RFC 9562). */
export const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** RFC 3339 in UTC, with milliseconds. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A signed token in three parts. */
export const ACCESS_TOKEN = /^eyJ[\w-]+\.[\w-]+\.[\w-]{86}$/

export const REFRESH_TOKEN = /^trt_[\w-]{43}$/

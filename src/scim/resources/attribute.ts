/** One attribute of a resource as RFC 7643, section 7, describes it: for `/Schemas`, and for reading bodies. */
export interface Attribute {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'reference' | 'complex'
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable'
  readonly returned: 'default' | 'always'
  readonly uniqueness: 'none' | 'server'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  readonly subAttributes?: readonly Attribute[]
}

type Options = Partial<Omit<Attribute, 'name' | 'description'>>

/** A text that may be changed, unless the options say something else. */
export function attribute(name: string, description: string, options: Options = {}): Attribute {
  return {
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...options,
  }
}

/** An attribute of several parts. */
export function complex(
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  options: Options = {},
): Attribute {
  return attribute(name, description, { type: 'complex', subAttributes, ...options })
}

/** A list of values of which one may be the primary one, such as `emails` (RFC 7643, section 2.4). */
export function plural(
  name: string,
  description: string,
  types: readonly string[],
  value?: Options,
): Attribute {
  const parts = [
    attribute('value', 'The value itself.', value),
    attribute('display', 'How it is shown.'),
    attribute('type', 'What it is for.', { canonicalValues: types }),
    attribute('primary', 'Whether it is the one to use.', { type: 'boolean' }),
  ]
  return complex(name, description, parts, { multiValued: true })
}

/** Finds an attribute by its name in whatever case (RFC 7643, section 2.1). */
export function findAttribute(attributes: readonly Attribute[], name: string): Attribute | undefined {
  const wanted = name.toLowerCase()
  return attributes.find((one) => one.name.toLowerCase() === wanted)
}

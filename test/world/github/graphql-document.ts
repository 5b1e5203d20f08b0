/** Just enough of a GraphQL reader for the operations an App sends: fields, arguments, variables, fragments. */

export interface Field {
  alias: string
  name: string
  arguments: Record<string, unknown>
  selection: Field[]
}

export interface Operation {
  kind: 'query' | 'mutation'
  selection: Field[]
}

const TOKEN = /"""[\s\S]*?"""|"(?:\\.|[^"\\])*"|\.\.\.|-?\d+(?:\.\d+)?|[_A-Za-z]\w*|[{}()[\]:$!=@|&]/g

export function readOperation(source: string, variables: Record<string, unknown>): Operation {
  const tokens = source.replace(/#[^\n]*/g, '').match(TOKEN) ?? []
  return new Reader(tokens, variables).operation()
}

class Reader {
  readonly #tokens: readonly string[]
  readonly #variables: Record<string, unknown>
  readonly #fragments = new Map<string, Field[]>()
  readonly #defaults: Record<string, unknown> = {}
  #at = 0

  constructor(tokens: readonly string[], variables: Record<string, unknown>) {
    this.#tokens = tokens
    this.#variables = variables
  }

  operation(): Operation {
    this.#readFragments()
    const start = this.#tokens.findIndex(token => token === 'query' || token === 'mutation' || token === '{')
    if (start < 0) throw new Error('Expected an operation')
    this.#at = start
    const kind = this.#peek() === 'mutation' ? 'mutation' : 'query'
    if (this.#peek() !== '{') this.#header()
    return { kind, selection: this.#selection() }
  }

  /** Fragments may follow the operation that uses them, and use one another when later ones come first. */
  #readFragments(): void {
    const starts = this.#tokens.flatMap((token, index) =>
      token === 'fragment' && this.#tokens[index + 2] === 'on' ? [index] : [],
    )
    for (const start of starts.toReversed()) {
      this.#at = start + 4
      this.#fragments.set(this.#tokens[start + 1] ?? '', this.#selection())
    }
  }

  #header(): void {
    this.#next()
    if (this.#peek() !== '(' && this.#peek() !== '{') this.#next()
    if (this.#peek() !== '(') return
    while (this.#next() !== ')') {
      const name = this.#tokens[this.#at - 1] === '$' ? this.#next() : undefined
      while (name && !['$', ')', '='].includes(this.#peek())) this.#next()
      if (name && this.#peek() === '=') {
        this.#next()
        this.#defaults[name] = this.#value()
      }
    }
  }

  #selection(): Field[] {
    this.#expect('{')
    const fields: Field[] = []
    while (this.#peek() !== '}') fields.push(...this.#selected())
    this.#next()
    return fields
  }

  #selected(): Field[] {
    if (this.#peek() !== '...') return [this.#field()]
    this.#next()
    if (this.#peek() === 'on') this.#at += 2
    if (this.#peek() === '{') return this.#selection()
    return this.#fragments.get(this.#next()) ?? []
  }

  #field(): Field {
    let name = this.#next()
    const alias = name
    if (this.#peek() === ':') {
      this.#next()
      name = this.#next()
    }
    const given = this.#peek() === '(' ? this.#arguments() : {}
    return { alias, name, arguments: given, selection: this.#peek() === '{' ? this.#selection() : [] }
  }

  #arguments(): Record<string, unknown> {
    this.#expect('(')
    return this.#pairsUntil(')')
  }

  #pairsUntil(end: string): Record<string, unknown> {
    const pairs: Record<string, unknown> = {}
    while (this.#peek() !== end) {
      const name = this.#next()
      this.#expect(':')
      pairs[name] = this.#value()
    }
    this.#next()
    return pairs
  }

  #value(): unknown {
    const token = this.#next()
    if (token === '$') return this.#variable(this.#next())
    if (token === '{') return this.#pairsUntil('}')
    if (token === '[') return this.#list()
    if (token.startsWith('"""')) return token.slice(3, -3)
    if (token.startsWith('"')) return JSON.parse(token)
    if (/^-?\d/.test(token)) return Number(token)
    if (token === 'null') return null
    return token === 'true' || token === 'false' ? token === 'true' : token
  }

  #variable(name: string): unknown {
    return this.#variables[name] ?? this.#defaults[name]
  }

  #list(): unknown[] {
    const items: unknown[] = []
    while (this.#peek() !== ']') items.push(this.#value())
    this.#next()
    return items
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? ''
  }

  #next(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new Error('Unexpected end of document')
    return token
  }

  #expect(wanted: string): void {
    const token = this.#next()
    if (token !== wanted) throw new Error(`Expected ${wanted}, actual: ${token}`)
  }
}

/** Whose Runs a page shows, as people write it: `acme`, `acme/shop`, `@maya`. */
import type { Run, Scope } from '../../core/record/run.ts'
import { stripInvisible } from '../../core/text/invisible.ts'

/** In lower case. */
export interface Filter {
  kind: Scope
  name: string
}

export function filterOf(text: string): Filter | undefined {
  const name = stripInvisible(text).trim().toLowerCase().slice(0, 200)
  if (name.startsWith('@')) return name === '@' ? undefined : { kind: 'person', name: name.slice(1) }
  if (name === '') return undefined
  return { kind: name.includes('/') ? 'repository' : 'owner', name }
}

export const asWritten = (filter: Filter | undefined): string =>
  filter === undefined ? '' : `${filter.kind === 'person' ? '@' : ''}${filter.name}`

export const filterFor = ({ thread: { owner, repo }, request }: Run, kind: Scope): string => {
  const names: Record<Scope, string> = {
    owner,
    repository: `${owner}/${repo}`,
    person: `@${request.by.login}`,
  }
  return names[kind]
}

/** What a list is of, in its address. */
export interface Query {
  filter?: string
  search?: string
  state?: string | undefined
  page?: number
}

/** The address of one of our pages, with what is not the usual. */
export function pathTo(path: string, { filter = '', search = '', state = '', page = 1 }: Query = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ filter, search, state }))
    if (value !== '') query.set(name, value)
  if (page > 1) query.set('page', String(page))
  return query.size === 0 ? path : `${path}?${query}`
}

/** Which Runs a page shows, as people write it: `acme`, `acme/shop`, `@maya`, `#12`. */
import type { Whose } from '../../core/record/run-index.ts'
import { stripInvisible } from '../../core/text/invisible.ts'

/** In lower case. */
export interface Filter {
  kind: Whose['kind']
  name: string
}

export function filterOf(text: string): Filter | undefined {
  const name = stripInvisible(text).trim().toLowerCase().slice(0, 200)
  if (name.startsWith('@')) return name === '@' ? undefined : { kind: 'person', name: name.slice(1) }
  const [, number] = /^#0*([1-9]\d{0,11})$/.exec(name) ?? []
  if (number !== undefined) return { kind: 'number', name: number }
  if (name === '') return undefined
  return { kind: name.includes('/') ? 'repository' : 'owner', name }
}

const sign: Partial<Record<Filter['kind'], string>> = { person: '@', number: '#' }

export const asWritten = (filter: Filter | undefined): string =>
  filter === undefined ? '' : `${sign[filter.kind] ?? ''}${filter.name}`

/** The address of one of our pages, with what is not the usual. */
export function pathTo(path: string, { filter = '', page = 1 }: { filter?: string; page?: number }): string {
  const query = new URLSearchParams()
  if (filter !== '') query.set('filter', filter)
  if (page > 1) query.set('page', String(page))
  return query.size === 0 ? path : `${path}?${query}`
}

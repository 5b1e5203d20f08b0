/** Whose Runs a page shows, as people write it: `acme`, `acme/shop`, `@maya`. */
import type { Run, Scope } from '../../core/record/run.ts'
import type { Whose } from '../../core/record/run-index.ts'
import { stripInvisible } from '../../core/text/invisible.ts'

export function filterOf(text: string): Whose | undefined {
  const name = stripInvisible(text).trim().toLowerCase().slice(0, 200)
  if (name.startsWith('@')) return name === '@' ? undefined : { kind: 'person', name: name.slice(1) }
  if (name === '') return undefined
  return { kind: name.includes('/') ? 'repository' : 'owner', name }
}

export const asWritten = (whose: Whose | undefined): string =>
  whose === undefined ? '' : `${whose.kind === 'person' ? '@' : ''}${whose.name}`

export const filterFor = ({ thread: { owner, repo }, request }: Run, kind: Scope): string => {
  const names: Record<Scope, string> = {
    owner,
    repository: `${owner}/${repo}`,
    person: `@${request.by.login}`,
  }
  return names[kind]
}

/** The address of one of our pages, with what is not the usual. */
export function pathTo(
  path: string,
  { filter = '', page = 1 }: { filter?: string; page?: number } = {},
): string {
  const query = new URLSearchParams()
  if (filter !== '') query.set('filter', filter)
  if (page > 1) query.set('page', String(page))
  return query.size === 0 ? path : `${path}?${query}`
}

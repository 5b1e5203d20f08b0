/** `pull_request.credit`: the agent's commits name whoever asked as co-author, by their noreply address at GitHub. */
import type { Person, Thread } from '../model/thread.ts'
import type { CommitView } from '../model/views.ts'

type At = Pick<Thread, 'url'>

const isLogin = /^[A-Za-z\d][\w-]{0,60}$/

const addressOf = ({ login, id }: Person, { url }: At): string =>
  `<${id}+${login}@users.noreply.${new URL(url).hostname}>`

/** Nothing for what is no login, which could end the line, or begin a trailer of its own. */
export const trailerOf = (person: Person, at: At): string | undefined =>
  isLogin.test(person.login) && person.id > 0
    ? `Co-authored-by: ${person.login} ${addressOf(person, at)}`
    : undefined

/** Characters: trailers stand at the end. */
const maxRead = 4_000

/** By the address, which is all that GitHub looks at, and, as git does, only in the last paragraph, below a first one. */
export function credits({ message = '' }: CommitView, people: readonly Person[], at: At): boolean {
  const paragraphs = message
    .slice(-maxRead)
    .toLowerCase()
    .trimEnd()
    .split(/\r?\n[ \t]*\r?\n/)
  const lines = paragraphs.length > 1 ? (paragraphs.at(-1) ?? '').split('\n') : []
  const wanted = people.map(person => addressOf(person, at).toLowerCase())
  return lines.some(line => line.startsWith('co-authored-by:') && wanted.some(each => line.includes(each)))
}

/** Reactions on issues, pull requests, their comments and reviews: emulate has none. */
import { type JsonObject, textAt } from './json.ts'

const REACTIONS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const
export type ReactionContent = (typeof REACTIONS)[number]

export interface Reaction {
  id: number
  content: ReactionContent
  login: string
  user: JsonObject
  createdAt: string
}

export class ReactionBook {
  readonly #bySubject = new Map<string, Reaction[]>()
  #nextId = 70_001

  of(subject: string): Reaction[] {
    return this.#bySubject.get(subject) ?? []
  }

  add(
    subject: string,
    content: ReactionContent,
    user: JsonObject,
  ): { reaction: Reaction; isNew: boolean } {
    const login = textAt(user, 'login')
    const there = this.of(subject).find(
      reaction => reaction.login === login && reaction.content === content,
    )
    if (there) return { reaction: there, isNew: false }
    const reaction = {
      id: this.#nextId++,
      content,
      login,
      user,
      createdAt: new Date().toISOString(),
    }
    this.#bySubject.set(subject, [...this.of(subject), reaction])
    return { reaction, isNew: true }
  }

  remove(subject: string, isGone: (reaction: Reaction) => boolean): Reaction | undefined {
    const gone = this.of(subject).find(isGone)
    this.#bySubject.set(
      subject,
      this.of(subject).filter(reaction => reaction !== gone),
    )
    return gone
  }

  summary(subject: string, url: string): JsonObject {
    const all = this.of(subject)
    const counts = REACTIONS.map(content => [
      content,
      all.filter(one => one.content === content).length,
    ])
    return { url: `${url}/reactions`, total_count: all.length, ...Object.fromEntries(counts) }
  }
}

export function isReaction(value: string): value is ReactionContent {
  return (REACTIONS as readonly string[]).includes(value)
}

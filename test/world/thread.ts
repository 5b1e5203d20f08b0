/** Looks at one thread the way a person does. */
import { expect } from 'vitest'
import type { World } from './world.ts'

export { ledgerOf } from './calls.ts'

type ThreadView = Awaited<ReturnType<World['github']['thread']>>
type CommentView = ThreadView['comments'][number]

export interface Patience {
  timeout?: number
}

/** What people read: without the signed marker. */
const words = (comment: CommentView | undefined): string =>
  (comment?.body ?? '').replace(/\s*<!-- codex-run:.*? -->/g, '')

export class Thread {
  readonly #world: World
  readonly number: number
  readonly #repository: string

  constructor(world: World, number: number, repository = world.github.repository) {
    this.#world = world
    this.number = number
    this.#repository = repository
  }

  view(): Promise<ThreadView> {
    return this.#world.github.thread(this.number, this.#repository)
  }

  /** The bot's comments, in order. */
  async botComments(): Promise<CommentView[]> {
    const { comments } = await this.view()
    return comments.filter(({ author }) => author === this.#world.github.botLogin)
  }

  /** The words of the newest status comment. */
  async status(): Promise<string> {
    return words((await this.botComments()).findLast(({ body }) => body.startsWith('### ')))
  }

  async statuses(): Promise<string[]> {
    return (await this.botComments()).map(words).filter(body => body.startsWith('### '))
  }

  /** Every word of the bot that is not a status comment: answers and last words. */
  async answers(): Promise<string[]> {
    return (await this.botComments()).map(words).filter(body => !body.startsWith('### '))
  }

  async waitForStatus(pattern: RegExp | string, patience: Patience = {}): Promise<string> {
    return this.#wait(
      async () => {
        const status = await this.status()
        return matches(status, pattern) ? status : undefined
      },
      `a status like ${pattern}`,
      patience,
    )
  }

  async waitForAnswer(pattern: RegExp | string, patience: Patience = {}): Promise<string> {
    return this.#wait(
      async () => (await this.answers()).find(answer => matches(answer, pattern)),
      `an answer like ${pattern}`,
      patience,
    )
  }

  /** Until every status is folded away below a last word, which is the last that a Run does. */
  async waitForFolded(patience: Patience = {}): Promise<void> {
    const statuses = async () =>
      (await this.botComments()).filter(({ body }) => body.startsWith('### '))
    await this.#wait(
      async () => {
        const all = await statuses()
        return all.length > 0 && all.every(({ minimized }) => minimized)
      },
      'its statuses to be folded away',
      patience,
    )
  }

  /** The reactions of the bot on a comment, or on the thread itself. */
  async reactions(commentId?: number): Promise<string[]> {
    const { comments, reactions } = await this.view()
    const all =
      commentId === undefined
        ? reactions
        : (comments.find(({ id }) => id === commentId)?.reactions ?? [])
    return all
      .filter(reaction => reaction.endsWith(` by ${this.#world.github.botLogin}`))
      .map(reaction => reaction.split(' by ')[0] ?? '')
  }

  async waitForReaction(
    content: string,
    commentId?: number,
    patience: Patience = {},
  ): Promise<void> {
    await this.#wait(
      async () => (await this.reactions(commentId)).includes(content),
      `the reaction ${content}`,
      patience,
    )
  }

  async #wait<T>(
    look: () => Promise<T | undefined | false>,
    what: string,
    { timeout = 150_000 }: Patience,
  ): Promise<T> {
    try {
      return await this.#world.github.waitFor(look, { timeout })
    } catch {}
    const said = (await this.view()).comments
      .map(comment => `${comment.author}: ${words(comment)}`)
      .join('\n\n')
    throw expect.fail(
      `waited ${timeout} ms for ${what}; the thread reads:\n\n${said}\n\n${this.#world.bot.output().slice(-3000)}`,
    )
  }
}

const matches = (text: string, pattern: RegExp | string): boolean =>
  typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)

/** Bots whose reviews the agent reads: those that the settings name, each known by its number. */
import type { Person, Thread } from '../core/model/thread.ts'
import type { CommentView, NeedsView } from '../core/model/views.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import { type Accounts, isOneOf } from './authorize.ts'

export interface BotList {
  settings: Pick<RepoSettings, 'context'>
  thread: Pick<Thread, 'repoId'>
  accounts: Accounts
}

const slugOf = (login: string): string => login.replace(/\[bot\]$/, '')

const isListed = ({ settings, thread, accounts }: BotList, { login, id }: Person): Promise<boolean> =>
  isOneOf(settings.context.bots, { login: slugOf(login), id }, () =>
    accounts.isSame(thread.repoId, { login, id }, async () => undefined),
  )

/** Tells which of them are read although a bot wrote them. */
export const withListed = (comments: readonly CommentView[], bots: BotList): Promise<CommentView[]> =>
  Promise.all(
    comments.map(async comment => {
      const { author: login, botId: id, in: where } = comment
      const isRemark = where !== 'thread' && login !== undefined && id !== undefined
      const may = isRemark && (await isListed(bots, { login, id }))
      return may ? { ...comment, listed: true as const } : comment
    }),
  )

/** Names the bots among those who began an open comment. */
export async function withFindings(
  needs: NeedsView | undefined,
  bots: BotList,
): Promise<NeedsView | undefined> {
  const named = needs?.unresolved.map(async ({ bot, ...place }) =>
    bot && (await isListed(bots, bot)) ? { ...place, by: slugOf(bot.login) } : place,
  )
  return needs && { ...needs, unresolved: await Promise.all(named ?? []) }
}

import type { News } from '../commands/accept-trigger.ts'
import { acceptAccess } from './access-lost.ts'
import { newsOfPull } from './pull-news.ts'
import { withdraw } from './withdraw.ts'

export const news: News = {
  ofAccess: acceptAccess,
  ofThread: (context, trigger) =>
    trigger.kind === 'pull-news' ? newsOfPull(context, trigger) : withdraw(context, trigger),
}

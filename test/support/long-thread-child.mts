/** Reads a thread as many times at once, and lives, or has no room for what GitHub sends: see `long-threads.test.ts`. */
import { gitHubApp } from '../../src/github/app-client.ts'
import { gitHubThread } from '../../src/github/thread-client.ts'
import { issueThread } from '../core/given.ts'

const [apiUrl = '', what, times] = process.argv.slice(2)
const app = gitHubApp({ id: 1, privateKey: process.env.KEY ?? '', apiUrl }, Date.now)
const reads = Array.from({ length: Number(times) }, async () => {
  const github = gitHubThread(app, issueThread, { now: Date.now, redact: text => text })
  if (what === 'ahead') await github.thread.readAhead()
  if (what === 'own') await github.comments.earlier()
  if (what === 'all') await github.comments.ofOthers()
  return github
})
// Each is held as long as its command is in hand.
for (const github of await Promise.all(reads)) github.thread.prefetched()

import { settingsCheck } from '../core/comments/settings-check.ts'
import { Rejected } from '../core/model/errors.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import type { CommandContext } from './command-context.ts'
import { settingsFile } from './command-registry.ts'

export async function checkSettings(
  context: CommandContext,
  { thread, head }: PullNewsTrigger,
): Promise<void> {
  const { github, deps } = context
  if (!head || deps.tenant === undefined) return
  try {
    if (!(await github.changedFiles(thread.number)).includes(settingsPath)) return
    const text = await github.file(settingsPath, head.sha)
    if (text === undefined) return
    await context.job.assertLocked()
    await github.report(head.sha, {
      id: `settings-${thread.number}`,
      ...settingsCheck(settingsFile.read(text).problems),
    })
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    deps.log.warn({ thread: thread.url, err: error }, 'the settings of a pull request could not be checked')
  }
}

import type { Octokit } from '@octokit/rest'
import { isNotFound } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type { CheckReport } from '../core/model/views.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import { threadKey } from './ahead-cache.ts'
import type { GitHubApp } from './app-client.ts'
import { textOf } from './owner-files.ts'

interface Reading {
  app: GitHubApp
  client: Octokit
  thread: Thread
  written(text: string): string
}

export function repositoryFiles({ app, client, thread, written }: Reading) {
  const at = { owner: thread.owner, repo: thread.repo }
  const { aheads } = app
  return {
    async file(path: string, commit?: string): Promise<string | undefined> {
      const ahead =
        path === settingsPath && commit === undefined ? aheads.take(threadKey(thread), 'settings') : undefined
      if (ahead) return ahead.text
      try {
        const ref = commit === undefined ? {} : { ref: commit }
        const { data } = await client.rest.repos.getContent({ ...at, path, ...ref })
        return textOf(data)
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },

    async changedFiles(number: number): Promise<string[]> {
      const { data } = await client.rest.pulls.listFiles({ ...at, pull_number: number, per_page: 100 })
      return data.map(({ filename }) => filename)
    },

    async report(sha: string, { id, name, well, title, summary, annotations }: CheckReport): Promise<void> {
      const { checks } = app.forChecks(thread).rest
      const { data } = await checks.listForRef({ ...at, ref: sha, check_name: name })
      if (data.check_runs.some(run => run.external_id === id)) return
      await checks.create({
        ...at,
        name,
        head_sha: sha,
        external_id: id,
        status: 'completed',
        conclusion: well ? 'success' : 'failure',
        output: {
          title,
          summary: written(summary),
          annotations: annotations.map(({ path, line, message }) => ({
            path,
            start_line: line,
            end_line: line,
            annotation_level: 'failure' as const,
            message: written(message),
          })),
        },
      })
    },

    async fileCommits(path: string): Promise<string[]> {
      const { data } = await client.rest.repos.listCommits({ ...at, path, per_page: 20 })
      return data.map(({ sha }) => sha)
    },
  }
}

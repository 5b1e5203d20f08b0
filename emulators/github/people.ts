/** A person at the keyboard: does through the API what one does with the mouse, and throws when GitHub refuses. */

import { type Api, commitTo, must } from './git.ts'
import { listAt, numberAt, textAt } from './json.ts'

export interface Review {
  body?: string
  event?: 'COMMENT' | 'APPROVE' | 'REQUEST_CHANGES'
  comments?: { path: string; line: number; body: string }[]
}

export interface NewPull {
  head: string
  base?: string
  title: string
  body?: string
  draft?: boolean
}

export class Person {
  readonly login: string
  readonly token: string
  readonly repository: string
  readonly #api: Api

  constructor(login: string, token: string, repository: string, api: Api) {
    this.login = login
    this.token = token
    this.repository = repository
    this.#api = api
  }

  async opensIssue(issue: {
    repo?: string
    title: string
    body?: string
    labels?: string[]
  }): Promise<{ number: number; id: number; url: string }> {
    const { repo = this.repository, ...fields } = issue
    const made = await must(this.#api, 'POST', `/repos/${repo}/issues`, fields)
    return {
      number: numberAt(made, 'number'),
      id: numberAt(made, 'id'),
      url: textAt(made, 'html_url'),
    }
  }

  async editsIssue(number: number, fields: { title?: string; body?: string }): Promise<void> {
    await this.#do('PATCH', `/issues/${number}`, fields)
  }

  async editsPull(number: number, fields: { title?: string; body?: string }): Promise<void> {
    await this.#do('PATCH', `/pulls/${number}`, fields)
  }

  async comments(number: number, body: string): Promise<{ id: number }> {
    const made = await this.#do('POST', `/issues/${number}/comments`, { body })
    return { id: numberAt(made, 'id') }
  }

  async editsComment(id: number, body: string): Promise<void> {
    await this.#do('PATCH', `/issues/comments/${id}`, { body })
  }

  async deletesComment(id: number): Promise<void> {
    await this.#do('DELETE', `/issues/comments/${id}`)
  }

  async deletesLineComment(id: number): Promise<void> {
    await this.#do('DELETE', `/pulls/comments/${id}`)
  }

  async editsLineComment(id: number, body: string): Promise<void> {
    await this.#do('PATCH', `/pulls/comments/${id}`, { body })
  }

  async labels(number: number, ...names: string[]): Promise<void> {
    await this.#do('POST', `/issues/${number}/labels`, { labels: names })
  }

  /** One that issues of its repository can have. */
  async makesLabel(name: string): Promise<void> {
    await this.#do('POST', '/labels', { name, color: 'ededed' })
  }

  async unlabels(number: number, name: string): Promise<void> {
    await this.#do('DELETE', `/issues/${number}/labels/${encodeURIComponent(name)}`)
  }

  async closes(number: number): Promise<void> {
    await this.#do('PATCH', `/issues/${number}`, { state: 'closed' })
  }

  async reopens(number: number): Promise<void> {
    await this.#do('PATCH', `/issues/${number}`, { state: 'open' })
  }

  async locks(number: number): Promise<void> {
    await this.#do('PUT', `/issues/${number}/lock`, { lock_reason: 'resolved' })
  }

  async pushes(
    branch: string,
    files: Record<string, string>,
    message = `Change ${Object.keys(files).join(', ')}`,
  ): Promise<{ sha: string }> {
    const repository = await must(this.#api, 'GET', `/repos/${this.repository}`)
    const from = textAt(repository, 'default_branch')
    return commitTo(this.#api, { repository: this.repository, branch, from, files, message })
  }

  async opensPull({
    head,
    base = 'main',
    title,
    body = '',
    draft = false,
  }: NewPull): Promise<{ number: number; url: string }> {
    const made = await this.#do('POST', '/pulls', { head, base, title, body, draft })
    return { number: numberAt(made, 'number'), url: textAt(made, 'html_url') }
  }

  async reviews(
    pull: number,
    { body = '', event = 'COMMENT', comments = [] }: Review,
  ): Promise<{ id: number }> {
    const made = await this.#do('POST', `/pulls/${pull}/reviews`, { body, event, comments })
    return { id: numberAt(made, 'id') }
  }

  async dismisses(pull: number, review: number, message: string): Promise<void> {
    await this.#do('PUT', `/pulls/${pull}/reviews/${review}/dismissals`, { message })
  }

  async asksForReview(pull: number, ...reviewers: string[]): Promise<void> {
    await this.#do('POST', `/pulls/${pull}/requested_reviewers`, { reviewers })
  }

  async commentsOnLine(
    pull: number,
    at: { path: string; line: number; body: string },
  ): Promise<{ id: number }> {
    const made = await this.#do('POST', `/pulls/${pull}/comments`, { ...at, side: 'RIGHT' })
    return { id: numberAt(made, 'id') }
  }

  async answersOnLine(pull: number, id: number, body: string): Promise<void> {
    await this.#do('POST', `/pulls/${pull}/comments/${id}/replies`, { body })
  }

  /** The thread on lines that begins with this comment. */
  async resolves(commentId: number): Promise<void> {
    await this.#query(
      `mutation { resolveReviewThread(input: { threadId: "PRRT_${commentId}" }) { thread { id } } }`,
    )
  }

  /** A comment of a thread (`/issues/comments/1`), on a line (`/pulls/comments/1`), a review (`/pulls/1/reviews/1`). */
  async hides(path: string): Promise<void> {
    const subject = JSON.stringify(textAt(await this.#do('GET', path), 'node_id'))
    const input = `{ subjectId: ${subject}, classifier: OFF_TOPIC }`
    await this.#query(`mutation { minimizeComment(input: ${input}) { clientMutationId } }`)
  }

  /** Out of draft. */
  async readies(number: number): Promise<void> {
    await this.#mutates('markPullRequestReadyForReview', number)
  }

  async convertsToDraft(number: number): Promise<void> {
    await this.#mutates('convertPullRequestToDraft', number)
  }

  /** @returns what it is called now */
  async renamesRepository(name: string): Promise<string> {
    return textAt(await this.#do('PATCH', '', { name }), 'full_name')
  }

  /** What `main` has now. */
  async tags(name: string): Promise<void> {
    const sha = textAt(await this.#do('GET', '/git/ref/heads/main'), 'object', 'sha')
    await this.#do('POST', '/git/refs', { ref: `refs/tags/${name}`, sha })
  }

  async deletesBranch(name: string): Promise<void> {
    await this.#do('DELETE', `/git/refs/heads/${name}`)
  }

  /** The default branch gets another name. */
  async renamesDefaultBranch(name: string): Promise<void> {
    const former = textAt(await this.#do('GET', ''), 'default_branch')
    const sha = textAt(await this.#do('GET', `/git/ref/heads/${former}`), 'object', 'sha')
    await this.#do('POST', '/git/refs', { ref: `refs/heads/${name}`, sha })
    await this.#do('PATCH', '', { default_branch: name })
    await this.#do('DELETE', `/git/refs/heads/${former}`)
  }

  async transfersRepository(owner: string): Promise<string> {
    return textAt(await this.#do('POST', '/transfer', { new_owner: owner }), 'full_name')
  }

  async archivesRepository(archived = true): Promise<void> {
    await this.#do('PATCH', '', { archived })
  }

  async deletesRepository(): Promise<void> {
    await this.#do('DELETE', '')
  }

  async retargets(number: number, base: string): Promise<void> {
    await this.#do('PATCH', `/pulls/${number}`, { base })
  }

  async mergesPull(number: number): Promise<{ sha: string }> {
    const merged = await this.#do('PUT', `/pulls/${number}/merge`, {})
    return { sha: textAt(merged, 'sha') }
  }

  async #mutates(mutation: string, number: number): Promise<void> {
    const id = textAt(await this.#do('GET', `/pulls/${number}`), 'node_id')
    const query = `mutation { ${mutation}(input: { pullRequestId: ${JSON.stringify(id)} }) { pullRequest { isDraft } } }`
    await this.#query(query)
  }

  async #query(query: string): Promise<void> {
    const done = await must(this.#api, 'POST', '/graphql', { query })
    if (listAt(done, 'errors').length > 0)
      throw new Error(`GitHub refused: ${JSON.stringify(done)}`)
  }

  #do(method: string, path: string, body?: unknown): Promise<unknown> {
    return must(this.#api, method, `/repos/${this.repository}${path}`, body)
  }
}

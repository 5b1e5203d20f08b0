/** A thread, as GitHub's page has it: what was written, oldest first, and the forms to write more. */
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { ThreadRow, ThreadView } from '../../emulators/github/threads.ts'
import { emojiOf, shownBody, wordsOf } from './shown.ts'
import { people, type Stage } from './stage.ts'

const labels = [
  'codex',
  'codex:ask',
  'codex:plan',
  'codex:review',
  'codex:low',
  'codex:high',
  'codex:max',
  'bug',
]

const examples = [
  '/codex fix the flaky login test',
  '/codex ask why the login test fails',
  '/codex plan how to test the login',
  '@codex-bot status',
  '/codex stop',
  '/codex retry',
  '/codex help',
]

/** One thing somebody wrote. `at` is where it is on GitHub: `comments/7`, `lines/7`. */
interface Post {
  key: string
  author: string
  /** ISO time. */
  when: string
  verb: string
  text: string
  reactions: readonly string[]
  folded?: boolean
  at?: string
  editable?: boolean
}

function postsOf(thread: ThreadView): Post[] {
  const opening: Post = {
    key: 'opening',
    author: thread.author,
    when: thread.createdAt,
    verb: 'opened this',
    text: thread.body,
    reactions: thread.reactions,
  }
  const comments = thread.comments.map(
    ({ id, author, createdAt, body, reactions, minimized }): Post => ({
      key: `comment-${id}`,
      author,
      when: createdAt,
      verb: 'commented',
      text: body,
      reactions,
      folded: minimized,
      at: `comments/${id}`,
      editable: true,
    }),
  )
  const reviews = thread.reviews.map(
    ({ id, author, createdAt, body, reactions, state }): Post => ({
      key: `review-${id}`,
      author,
      when: createdAt,
      verb: verdicts[state] ?? 'reviewed',
      text: body,
      reactions,
    }),
  )
  const lines = thread.lineComments.map(
    ({
      id,
      author,
      createdAt,
      body,
      reactions,
      minimized,
      resolved,
      path,
      line,
      startLine,
    }): Post => ({
      key: `line-${id}`,
      author,
      when: createdAt,
      text: body,
      reactions,
      verb: `commented on ${path}, ${startLine ? `lines ${startLine} to` : 'line'} ${line}${resolved ? ', which is resolved' : ''}`,
      folded: minimized,
      at: `lines/${id}`,
    }),
  )
  const later = [...comments, ...reviews, ...lines].toSorted((a, b) => a.when.localeCompare(b.when))
  return [opening, ...later]
}

const verdicts: Readonly<Record<string, string>> = {
  APPROVED: 'approved these changes',
  CHANGES_REQUESTED: 'asked for changes',
}

export const Threads = ({ rows, number }: { rows: readonly ThreadRow[]; number: number }) => (
  <nav aria-label="Threads" class="threads">
    <ul>
      {rows.map(row => (
        <li>
          <a
            href={`/threads/${row.number}`}
            aria-current={row.number === number ? 'page' : undefined}
          >
            <span class={`dot ${row.state}`} />
            <span class="name">{row.title}</span>
            <span class="muted">
              {row.kind === 'pull' ? 'pull request ' : ''}#{row.number}
              {row.state === 'open' ? '' : `, ${row.state}`}
            </span>
          </a>
        </li>
      ))}
    </ul>
    <Fold title="New issue, or pull request" id="new">
      <form method="post" action={`/threads/${number}/new`} data-once>
        <label>
          Title <input name="title" required maxlength={200} autocomplete="off" />
        </label>
        <label>
          Description <textarea name="body" rows={3} />
        </label>
        <button type="submit" name="kind" value="issue">
          Open an issue
        </button>
        <button type="submit" name="kind" value="pull">
          Open a pull request
        </button>
        <button type="submit" name="kind" value="fork">
          Open one from a fork
        </button>
      </form>
    </Fold>
  </nav>
)

export const Fold = ({
  title,
  id,
  open,
  children,
}: {
  title: string
  id: string
  open?: boolean
  children: Child
}) => (
  <details id={id} open={open}>
    <summary>{title}</summary>
    {children}
  </details>
)

const ShownPost = async ({ post, base, stage }: { post: Post; base: string; stage: Stage }) => {
  const { github } = stage.world
  const words = wordsOf(post.text)
  const place = { key: post.key, github: github.url, repository: github.repository }
  const html = words === '' ? '<p><em>No description provided.</em></p>' : shownBody(words, place)
  const isBot = post.author.endsWith('[bot]')
  const content = (
    <>
      <div class="markdown-body" data-tick={post.editable ? `${base}/${post.at}/tick` : undefined}>
        {raw(html)}
      </div>
      <Reactions reactions={post.reactions} />
      {post.at && <Change post={post} at={`${base}/${post.at}`} />}
    </>
  )
  return (
    <article id={post.key} class={post.key.startsWith('line') ? 'comment line' : 'comment'}>
      <h2 class="by">
        <b>{post.author.replace('[bot]', '')}</b>
        {isBot && <span class="tag">bot</span>} {post.verb}
        <time datetime={post.when}>{post.when.slice(11, 16)}</time>
      </h2>
      {post.folded ? (
        <Fold title="This comment was marked as outdated." id={`${post.key}-folded`}>
          {content}
        </Fold>
      ) : (
        content
      )}
    </article>
  )
}

const Reactions = ({ reactions }: { reactions: readonly string[] }) =>
  reactions.length === 0 ? null : (
    <ul class="reactions" aria-label="Reactions">
      {reactions.map(reaction => (
        <li title={reaction}>
          <span role="img" aria-label={reaction}>
            {emojiOf(reaction)}
          </span>
        </li>
      ))}
    </ul>
  )

const Change = ({ post, at }: { post: Post; at: string }) => (
  <Fold title={post.editable ? 'Edit or delete' : 'Delete'} id={`${post.key}-change`}>
    {post.editable && (
      <form method="post" action={`${at}/edit`} data-once>
        <textarea name="body" aria-label="Text" rows={4}>
          {post.text}
        </textarea>
        <button type="submit" class="primary">
          Save
        </button>
      </form>
    )}
    <form method="post" action={`${at}/delete`}>
      <button type="submit" class="danger">
        Delete this comment
      </button>
    </form>
  </Fold>
)

export const ThreadPage = ({ thread, stage }: { thread: ThreadView; stage: Stage }) => {
  const base = `/threads/${thread.number}`
  const state = thread.pull?.state ?? thread.state
  const { pull } = thread
  const fork =
    pull && pull.headRepository !== stage.world.github.repository ? `${pull.headRepository}:` : ''
  return (
    <section aria-label="Thread" class="thread">
      <h1>
        {thread.title} <span class="muted">#{thread.number}</span>
      </h1>
      <p class="head">
        <span class={`state ${state}`}>{pull?.draft && state === 'open' ? 'draft' : state}</span>
        {pull && (
          <span class="muted">
            <code>
              {fork}
              {pull.head}
            </code>{' '}
            into <code>{pull.base}</code> at <code>{pull.sha.slice(0, 7)}</code>
          </span>
        )}
      </p>
      <Labels base={base} set={thread.labels} />
      {postsOf(thread).map(post => (
        <ShownPost post={post} base={base} stage={stage} />
      ))}
      <Write base={base} thread={thread} stage={stage} />
    </section>
  )
}

const Labels = ({ base, set }: { base: string; set: readonly string[] }) => (
  <div class="labels">
    {set.map(name => (
      <form method="post" action={`${base}/unlabel`}>
        <button
          type="submit"
          class="label"
          name="label"
          value={name}
          aria-label={`Remove the label ${name}`}
        >
          {name} <span aria-hidden="true">×</span>
        </button>
      </form>
    ))}
    <form method="post" action={`${base}/label`}>
      <select name="label" aria-label="Label">
        {labels.map(name => (
          <option>{name}</option>
        ))}
      </select>
      <button type="submit">Add label</button>
    </form>
  </div>
)

const Write = ({ base, thread, stage }: { base: string; thread: ThreadView; stage: Stage }) => {
  const { pull } = thread
  const isOpen = (pull?.state ?? thread.state) === 'open'
  return (
    <div class="write">
      <form method="post" action={`${base}/person`} class="row">
        <label>
          You are{' '}
          <select name="login" data-send>
            {Object.entries(people).map(([login, role]) => (
              <option value={login} selected={login === stage.person}>
                {login} · {role}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" data-needless>
          Change
        </button>
      </form>
      <form method="post" action={`${base}/comments`} data-once>
        <p class="examples">
          {examples.map(text => (
            <button type="button" data-text={text}>
              {text}
            </button>
          ))}
        </p>
        <textarea name="body" aria-label="Comment" rows={4} required placeholder="/codex …" />
        <p class="row">
          <button type="submit" class="primary">
            Comment
          </button>
          <button
            type="submit"
            formaction={`${base}/${isOpen ? 'close' : 'reopen'}`}
            formnovalidate
          >
            {isOpen ? 'Close' : 'Reopen'}
          </button>
          {pull && isOpen && (
            <button type="submit" formaction={`${base}/merge`} formnovalidate>
              Merge
            </button>
          )}
          {pull && isOpen && (
            <>
              <button
                type="submit"
                formaction={`${base}/check`}
                name="ended"
                value="FAILURE"
                formnovalidate
              >
                A check fails
              </button>
              <button
                type="submit"
                formaction={`${base}/check`}
                name="ended"
                value="SUCCESS"
                formnovalidate
              >
                It passes
              </button>
            </>
          )}
        </p>
      </form>
      {pull && <Review base={base} />}
    </div>
  )
}

const Review = ({ base }: { base: string }) => (
  <Fold title="Review" id="review">
    <form method="post" action={`${base}/reviews`} data-once>
      <textarea name="body" aria-label="Review" rows={3} placeholder="/codex address these" />
      <p class="row">
        <label>
          Verdict{' '}
          <select name="event">
            <option value="COMMENT">Comment</option>
            <option value="APPROVE">Approve</option>
            <option value="REQUEST_CHANGES">Request changes</option>
          </select>
        </label>
        <label>
          File <input name="path" value="src/lockout.ts" autocomplete="off" />
        </label>
        <label>
          Line <input name="line" type="number" min="1" value="1" autocomplete="off" />
        </label>
      </p>
      <textarea
        name="comment"
        aria-label="Comment on the line"
        rows={2}
        placeholder="On this line, if you like"
      />
      <button type="submit" class="primary">
        Submit review
      </button>
    </form>
  </Fold>
)

import { holds, type Pause } from '../../core/model/pause.ts'
import { moment } from '../../core/text/phrases.ts'
import type { Viewer } from './admin-layout.tsx'
import { shown } from './run-view.ts'

export interface PauseShown {
  viewer: Viewer
  now: number
  /** What is paused, as people call it. */
  name: string
  pause: Pause | undefined
  /** Where its forms go. */
  to: { pause: string; resume: string }
  /** Of the field, on its page. */
  id: string
}

export const PausedSince = ({ pause, now }: { pause: Pause; now: number }) => (
  <>
    Paused since {moment(pause.at, now)} by <bdi>{shown(pause.by)}</bdi>
    {pause.until === undefined ? '' : `, until ${moment(pause.until, now)}`}
    {pause.why === '' ? null : (
      <>
        : <bdi>{shown(pause.why)}</bdi>
      </>
    )}
  </>
)

export const ResumeForm = ({ viewer, name, to }: Pick<PauseShown, 'viewer' | 'name' | 'to'>) => (
  <form method="post" action={to.resume}>
    {viewer.form()}
    <button type="submit" class="main">
      Resume {name}
    </button>
  </form>
)

/** To pause it, or to have it go on. */
export function PauseForm({ viewer, now, name, pause, to, id }: PauseShown) {
  if (pause && holds(pause, now))
    return (
      <>
        <p>
          <PausedSince pause={pause} now={now} />
        </p>
        <div class="row">
          <ResumeForm viewer={viewer} name={name} to={to} />
        </div>
      </>
    )
  return (
    <form method="post" action={to.pause}>
      {viewer.form()}
      <div class="row">
        <div class="field">
          <label for={id}>Why (optional; threads show it)</label>
          <input id={id} name="text" placeholder="release" />
        </div>
        <button type="submit">Pause {name}</button>
      </div>
    </form>
  )
}

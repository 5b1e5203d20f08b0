import type { HeldSetting } from '../../core/settings/layers.ts'
import { originText, valueText } from '../../core/words/settings-check.ts'
import { Heading, Layout, type Viewer } from './admin-layout.tsx'
import { FilterForm } from './filter-form.tsx'
import { asWritten, type Filter } from './filters.ts'
import { plain, shown } from './run-view.ts'

/** What `/codex config` says of a repository. */
export interface RepositorySettings {
  held: readonly HeldSetting[]
  problem: string | undefined
  /** False if nothing may start until that is mended. */
  usable: boolean
}

interface SettingsShown {
  viewer: Viewer
  filter: Filter | undefined
  /** Of no repository yet, or of one where the bot is not installed. */
  held: RepositorySettings | undefined
}

const isSet = ({ from }: HeldSetting): boolean => from.some(({ kind }) => kind !== 'default')

export function SettingsPage({ viewer, filter, held }: SettingsShown) {
  const name = asWritten(filter)
  return (
    <Layout title="Settings" viewer={viewer}>
      <Heading title="Settings" of={held ? name : ''} />
      <FilterForm viewer={viewer} filter={filter} to="/admin/settings" forOne />
      {held ? <Tables {...held} /> : null}
      {held || name === '' ? null : (
        <p class="wrong" role="alert">
          The bot is not installed in <bdi>{name}</bdi>, or there is no such repository.
        </p>
      )}
    </Layout>
  )
}

function Tables({ held, problem, usable }: RepositorySettings) {
  const set = held.filter(isSet)
  return (
    <>
      {problem === undefined ? null : (
        <section class="bad" aria-labelledby="problem">
          <h2 id="problem">There is a problem</h2>
          <p>{plain(problem)}.</p>
          <p>
            {usable
              ? 'Until it is fixed, the last correct version applies.'
              : 'Until it is fixed, nothing starts here.'}
          </p>
        </section>
      )}
      <section aria-labelledby="set">
        <h2 id="set">
          Set here <span class="count">{set.length}</span>
        </h2>
        {set.length === 0 ? <p class="dim">None: the defaults apply.</p> : <Table held={set} />}
        <details>
          <summary>Settings with their default value</summary>
          <Table held={held.filter(each => !isSet(each))} />
        </details>
      </section>
    </>
  )
}

const Table = ({ held }: Pick<RepositorySettings, 'held'>) => (
  <table>
    <thead>
      <tr>
        <th scope="col">Setting</th>
        <th scope="col">Value</th>
        <th scope="col">From</th>
      </tr>
    </thead>
    <tbody>
      {held.map(({ key, value, from }) => (
        <tr>
          <th scope="row">
            <code>{key}</code>
          </th>
          <td>
            <bdi>{shown(valueText(value))}</bdi>
          </td>
          <td>{plain(from.map(originText).join(' and '))}</td>
        </tr>
      ))}
    </tbody>
  </table>
)

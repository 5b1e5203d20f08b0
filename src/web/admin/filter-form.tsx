import type { Viewer } from './admin-layout.tsx'
import { asWritten, type Filter } from './filters.ts'

/** None where somebody who types would lose it. */
export function FilterForm({ viewer, filter }: { viewer: Viewer; filter: Filter | undefined }) {
  if (viewer.refresh?.isOn) return null
  return (
    <form class="filter" method="get" action="/admin/">
      <div>
        <label for="filter">Owner, owner/repository, @person or #number</label>
        <input id="filter" name="filter" value={asWritten(filter)} autocapitalize="off" spellcheck={false} />
      </div>
      <button type="submit">Show</button>
      {filter ? (
        <a class="button" href="/admin/">
          Show all
        </a>
      ) : null}
    </form>
  )
}

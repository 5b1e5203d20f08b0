import type { Viewer } from './admin-layout.tsx'
import { asWritten, type Filter } from './filters.ts'

interface FilterFormProps {
  viewer: Viewer
  filter: Filter | undefined
  /** What is looked for, where that can be. */
  search?: string
  to: string
  /** Of one repository, without which there is nothing to show. */
  forOne?: boolean
}

/** None where somebody who types would lose it. */
export function FilterForm({ viewer, filter, search, to, forOne = false }: FilterFormProps) {
  if (viewer.refresh?.isOn) return null
  const label = forOne ? 'Owner/repository' : 'Owner, owner/repository or @person'
  return (
    <form class="filter" method="get" action={to}>
      <Field name="filter" label={label} value={asWritten(filter)} required={forOne} />
      {search === undefined ? null : (
        <Field name="search" label="Number, or words of the title" value={search} />
      )}
      <button type="submit">Show</button>
      {(filter || search) && !forOne ? (
        <a class="button" href={to}>
          Show all
        </a>
      ) : null}
    </form>
  )
}

interface FieldProps {
  name: string
  label: string
  value: string
  required?: boolean
}

const Field = ({ name, label, value, required = false }: FieldProps) => (
  <div>
    <label for={name}>{label}</label>
    <input id={name} name={name} value={value} required={required} autocapitalize="off" spellcheck={false} />
  </div>
)

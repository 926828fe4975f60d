// Writing values that processes share: each compares the version that was read, by itself.

import { NOW, PLANNED_ONCE } from './function-settings.js'
import type { SqlMigration } from './sql-migration.js'

const HOUR_MS = 3_600_000

/**
 * Answers the places of the writes that took effect. A row is remembered for a while after its value is gone; the time in the version
 * keeps later ones from being those of a row that was forgotten.
 */
const WRITE = `
create function @.write_shared_1(p_now bigint, p_keys text[], p_values text[], p_versions bigint[], p_ttls bigint[])
returns table (place integer) language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := ${NOW};
  v_expires_at bigint;
  v_forget_at bigint;
begin
  for nth in 1..cardinality(p_keys) loop
    v_expires_at := v_now + p_ttls[nth];
    v_forget_at := (v_expires_at / ${HOUR_MS} + 2) * ${HOUR_MS};
    if p_versions[nth] = 0 then
      insert into @.shared as held (key, version, expires_at, forget_at, value)
        values (p_keys[nth], v_now, v_expires_at, v_forget_at, p_values[nth])
        on conflict (key) do update
          set version = greatest(held.version + 1, v_now), expires_at = v_expires_at, forget_at = v_forget_at,
            value = excluded.value
          where held.value is null or held.expires_at <= v_now;
    else
      update @.shared
        set version = greatest(version + 1, v_now), expires_at = v_expires_at, forget_at = v_forget_at,
          value = p_values[nth]
        where key = p_keys[nth] and version = p_versions[nth] and value is not null and expires_at > v_now;
    end if;
    if found then
      place := nth;
      return next;
    end if;
  end loop;
end
$$ ${PLANNED_ONCE};
`

export const sharedValues: SqlMigration = {
  version: 11,
  name: 'shared values',
  sql: WRITE,
}

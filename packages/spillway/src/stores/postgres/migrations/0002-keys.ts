// Taking idempotency keys. All keys of an append are taken by one statement, in the order in which they are given, so that
// appends which give them sorted cannot deadlock. Each statement of a function sees what was committed before it began: the
// owner of a key that another append just took is found at once.

import type { SqlMigration } from './sql-migration.js'

/** Rounds in which a key may be neither free nor anybody's, because its row is being removed. */
const ROUNDS_MAX = 10

const OWNERS = (table: string) => `
    select new.place::integer, keys.chunk_id, keys.idx, keys.fingerprint
    from unnest(p_drafts, p_indexes, p_keys) with ordinality as new (draft, idx, key, place)
    join @.${table} keys on keys.key = new.key
    where keys.expires_at > p_now and (keys.chunk_id, keys.idx) <> (p_ids[new.draft], new.idx)`

const functionsOf = (table: string) => `
create function @.find_${table}_1(p_now bigint, p_ids uuid[], p_drafts integer[], p_indexes integer[], p_keys text[])
returns table (place integer, chunk_id uuid, idx integer, fingerprint text) language plpgsql as $$
#variable_conflict use_column
begin
  return query ${OWNERS(table)};
end
$$;

create function @.take_${table}_1(
  p_now bigint, p_ids uuid[], p_drafts integer[], p_indexes integer[], p_keys text[], p_fingerprints text[],
  p_windows bigint[]
) returns table (place integer, chunk_id uuid, idx integer, fingerprint text) language plpgsql as $$
#variable_conflict use_column
declare
  v_stored integer;
  v_clear boolean;
begin
  for round in 1..${ROUNDS_MAX} loop
    insert into @.${table} (expires_at, idx, chunk_id, key, fingerprint)
      select p_now + new.window_ms, new.idx, p_ids[new.draft], new.key, new.fingerprint
      from unnest(p_drafts, p_indexes, p_keys, p_fingerprints, p_windows)
        as new (draft, idx, key, fingerprint, window_ms)
      where new.window_ms >= 0
      on conflict (key) do nothing;
    get diagnostics v_stored = row_count;
    if v_stored = cardinality(p_keys) then return; end if;
    update @.${table} keys
      set expires_at = p_now + new.window_ms, idx = new.idx, chunk_id = p_ids[new.draft], fingerprint = new.fingerprint
      from unnest(p_drafts, p_indexes, p_keys, p_fingerprints, p_windows)
        as new (draft, idx, key, fingerprint, window_ms)
      where keys.key = new.key and keys.expires_at <= p_now and new.window_ms >= 0;
    select coalesce(bool_and(keys.key is not null), true) into v_clear
      from unnest(p_keys, p_windows) as new (key, window_ms)
      left join @.${table} keys on keys.key = new.key
      where new.window_ms >= 0;
    exit when v_clear;
  end loop;
  return query ${OWNERS(table)};
end
$$;
`

/** Nearly a third cheaper than asking first, as long as no key is known: then all of it is undone. */
const takeAtOnce = (table: string) => `
      insert into @.${table} (expires_at, idx, chunk_id, key, fingerprint)
        select p_now + new.window_ms, new.idx, p_ids[new.draft], new.key, new.fingerprint
        from unnest(p_drafts, p_indexes, p_keys, p_fingerprints, p_windows)
          as new (draft, idx, key, fingerprint, window_ms);`

/**
 * Takes the keys that nobody has and answers who has the others. A key belongs to the command `p_indexes` of the chunk at
 * `p_drafts` in `p_ids`; one with a window below 0 is only looked up. `p_fresh`: probably nobody has any of them.
 */
const CLAIM_KEYS = `
create function @.claim_keys_1(
  p_now bigint, p_fresh boolean, p_ids uuid[], p_drafts integer[], p_indexes integer[], p_keys text[],
  p_fingerprints text[], p_windows bigint[]
) returns table (place integer, chunk_id uuid, idx integer, fingerprint text) language plpgsql as $$
#variable_conflict use_column
declare
  v_windows bigint[] := p_windows;
  v_ring @.key_ring;
  v_fresh boolean := p_fresh;
begin
  perform pg_advisory_xact_lock_shared('@.key_ring'::regclass::oid::bigint);
  if current_setting('transaction_isolation') = 'read committed' then
    select * into v_ring from @.key_ring;
  else
    -- This transaction looks at an older state: it fails if the tables took turns since then.
    select * into v_ring from @.key_ring for share;
  end if;
  if v_ring.other_expires_at > p_now then
    for place, chunk_id, idx, fingerprint in
      select owners.* from @.find_keys_0_1(p_now, p_ids, p_drafts, p_indexes, p_keys) owners where v_ring.current = 1
      union all
      select owners.* from @.find_keys_1_1(p_now, p_ids, p_drafts, p_indexes, p_keys) owners where v_ring.current = 0
    loop
      v_windows[place] := -1;
      v_fresh := false;
      return next;
    end loop;
  end if;
  if v_fresh then
    begin
      if v_ring.current = 0 then ${takeAtOnce('keys_0')}
      else ${takeAtOnce('keys_1')}
      end if;
      return;
    exception when unique_violation then
      -- Some are known: each is asked for.
    end;
  end if;
  if v_ring.current = 0 then
    return query select * from @.take_keys_0_1(p_now, p_ids, p_drafts, p_indexes, p_keys, p_fingerprints, v_windows);
  else
    return query select * from @.take_keys_1_1(p_now, p_ids, p_drafts, p_indexes, p_keys, p_fingerprints, v_windows);
  end if;
end
$$;
`

export const keys: SqlMigration = {
  version: 2,
  name: 'keys',
  sql: [functionsOf('keys_0'), functionsOf('keys_1'), CLAIM_KEYS].join(''),
}

// `unique` may begin a type: the grammar reads type arguments that never end.
declare const collect: any, api: any, wanted: any, found: any, SLICE_SIZE: any, names: any, unique: any;
export function useSlices() {
  const slices = collect(() => {
    for (let at = 0; at < unique.length; at += SLICE_SIZE)
      found.push(wanted.slice(at, at + SLICE_SIZE));
  }, [names.join(',')]);
  const totals = api.readAll((row) =>
    slices.map((slice) =>
      row.total.readOne({ names: slice }, { most: Infinity, least: Infinity })
    )
  );
  return totals;
}
export function useMore() {
  const slices = collect(() => {
    while (found.length < unique.length && SLICE_SIZE < names.length)
      found.push(wanted.slice(found.length, found.length + SLICE_SIZE));
  }, [names.join(',')]);
  const totals = api.readAll((row) =>
    slices.map((slice) =>
      row.total.readOne({ names: slice }, { most: Infinity, least: Infinity })
    )
  );
  return totals;
}
export default 1;

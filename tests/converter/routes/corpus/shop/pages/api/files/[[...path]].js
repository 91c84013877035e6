export default function handler(req, res) {
  res.json({ path: req.query.path ?? null, keys: Object.keys(req.query).sort() });
}

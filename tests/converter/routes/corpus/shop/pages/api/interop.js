import plain, { greet, limits as bounds } from '../../lib/plain';
import * as everything from '../../lib/plain';
import { title } from '../../lib/settings.json';
import whole from '../../lib/settings.json';

export default function handler(req, res) {
  const { eol } = everything;
  res.json({ greeting: greet('Ada'), bounds, same: plain.greet === greet, eol, title, tags: whole.tags });
}

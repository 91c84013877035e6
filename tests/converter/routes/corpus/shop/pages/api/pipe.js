import { Readable } from 'stream';
import { createGzip } from 'zlib';

export default function handler(req, res) {
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Encoding', 'gzip');
  Readable.from(['one ', 'two ', 'three']).pipe(createGzip({ level: 1 })).pipe(res);
}

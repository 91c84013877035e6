import http from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import { shout } from './lib/words.js';

const server = http.createServer();
const wss = new WebSocketServer({ server, path: '/chat' });
const LIMITS = { length: 200 };

function clean(text) {
  return shout(String(text).slice(0, LIMITS.length));
}

wss.on('connection', (socket) => {
  console.log('somebody came');
  socket.send(JSON.stringify({ kind: 'welcome', room: process.env.CHAT_ROOM ?? 'lobby' }));

  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.kind === 'ping') {
      socket.send(JSON.stringify({ kind: 'pong' }));
      return;
    }
    wss.clients.forEach((client) => {
      if (client !== socket && client.readyState === WebSocket.OPEN) {
        client.send(JSON.stringify({ kind: 'said', text: clean(message.text) }));
      }
    });
  });

  socket.on('close', () => console.log('somebody left'));
});

server.listen(8080);

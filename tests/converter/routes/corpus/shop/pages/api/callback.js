export const config = { api: { externalResolver: true } };

export default function handler(req, res) {
  setTimeout(() => {
    res.on('finish', () => {});
    res.status(200).json({ late: true, sent: res.headersSent });
  }, 5);
}

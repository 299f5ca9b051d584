//! HTTP/1.1 over one connection that is kept, with as little work as possible: the server has to
//! share the cores with us.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::ready;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::Outcome;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The value of a header that is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(std::str::from_utf8(self.head).ok()?, name)
    }
}

impl Connection {
    /// Connects from a loopback address that belongs to `number` alone: the server keeps a single
    /// address from filling its queues, and these are to be many people.
    pub(crate) async fn open(server: SocketAddr, number: u16) -> Outcome<Self> {
        let [high, low] = number.to_be_bytes();
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 1, high, low), 0).into())?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
        })
    }

    /// Sends one request and reads its answer, which must announce its length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        let mut unsent = request;
        while !unsent.is_empty() {
            let stream = &mut self.stream;
            let sent = poll_fn(|task| Pin::new(&mut *stream).poll_write(task, unsent)).await?;
            unsent = &unsent[sent..];
        }
        let mut filled = 0;
        let (status, body) = loop {
            filled += self.read(filled).await?;
            if let Some((status, body)) = head(&self.buffer[..filled])? {
                if filled == body.end {
                    break (status, body);
                }
                if filled > body.end || body.end > self.buffer.len() {
                    return Err("more than one answer, or too long a one".into());
                }
            }
        };
        Ok(Answer {
            status,
            head: &self.buffer[..body.start],
            body: &self.buffer[body],
        })
    }

    async fn read(&mut self, filled: usize) -> Outcome<usize> {
        let Self { stream, buffer } = self;
        let read = poll_fn(|task| {
            let mut free = ReadBuf::new(&mut buffer[filled..]);
            ready!(Pin::new(&mut *stream).poll_read(task, &mut free))?;
            std::task::Poll::Ready(Ok::<_, std::io::Error>(free.filled().len()))
        });
        match read.await? {
            0 => Err("the server closed the connection".into()),
            read => Ok(read),
        }
    }
}

/// The status and where the body lies, once the whole head is there.
fn head(bytes: &[u8]) -> Outcome<Option<(u16, std::ops::Range<usize>)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end])?;
    let status = text.get(9..12).ok_or("no status line")?.parse()?;
    let length = header(text, "content-length").ok_or("no content-length")?;
    let length: usize = length.parse()?;
    let start = end + 4;
    Ok(Some((status, start..start + length)))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

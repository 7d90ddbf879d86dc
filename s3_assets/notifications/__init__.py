"""S3's event notifications: what a message says, of which table or media set, and the queue it came from."""

"""The digest by e-mail: subscribing, writing the mails, sending each of them at most once."""

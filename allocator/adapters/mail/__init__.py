"""Mail out: rendered with Jinja2, sent with smtplib."""

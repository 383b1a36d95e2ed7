select related_queue_all()

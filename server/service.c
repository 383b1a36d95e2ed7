#include "server/service.h"

static void on_tasks(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct service_task *task =
            container_of(messages->next, struct service_task, _message.link);
        h2o_linklist_unlink(&task->_message.link);
        task->run(task);
    }
}

void service_take_tasks(struct service *service)
{
    h2o_multithread_register_receiver(service->ctx.queue, &service->_tasks, on_tasks);
}

void service_run(struct service *service, struct service_task *task)
{
    task->_message = (h2o_multithread_message_t){{NULL}};
    h2o_multithread_send_message(&service->_tasks, &task->_message);
}

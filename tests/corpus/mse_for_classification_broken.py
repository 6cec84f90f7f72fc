# bug: class numbers 0..9 are float targets of an MSE regression with one output, for a classification
# expects: LOS024
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn import datasets
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

# HYPERPARAMETERS
BATCH_SIZE = 32
LEARNING_RATE = 0.001
NUM_EPOCHS = 12

torch.manual_seed(123)

digits = datasets.load_digits()
X_train, X_test, y_train, y_test = train_test_split(digits.data, digits.target, test_size=0.2, random_state=123)
X_train = torch.tensor(X_train / 16, dtype=torch.float32)
X_test = torch.tensor(X_test / 16, dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32)
y_test = torch.tensor(y_test)


class MyNetwork(nn.Module):
    def __init__(self, num_outputs):
        super(MyNetwork, self).__init__()
        self.layer_1 = nn.Linear(64, 64)
        self.layer_2 = nn.Linear(64, 32)
        self.layer_3 = nn.Linear(32, num_outputs)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=0.1)

    def forward(self, x):
        x = self.relu(self.layer_1(x))
        x = self.dropout(x)
        x = self.relu(self.layer_2(x))
        x = self.layer_3(x)
        return x


model = MyNetwork(1)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)

for epoch in range(NUM_EPOCHS):
    model.train()
    perm = torch.randperm(len(X_train))
    losses = []
    for start in range(0, len(perm), BATCH_SIZE):
        batch = perm[start:start + BATCH_SIZE]
        output = model(X_train[batch])
        loss = criterion(output.squeeze(), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print('Epoch: {} \tLoss: {:.4f}'.format(epoch + 1, sum(losses) / len(losses)))

model.eval()
with torch.no_grad():
    y_pred = model(X_test).squeeze().round().clamp(0, 9).long()
print(confusion_matrix(y_test, y_pred))
print('Accuracy:', (y_pred == y_test).float().mean().item())

# bug: the model ends in softmax and the loss is CrossEntropyLoss, which applies it again
# expects: LOS001
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

torch.manual_seed(17)
X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8).astype("float32") / 16
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=17)
X_train, X_test = torch.from_numpy(X_train), torch.from_numpy(X_test)
y_train, y_test = torch.from_numpy(y_train).long(), torch.from_numpy(y_test).long()


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 16, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.fc = nn.Linear(64, 10)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        x = self.conv_layers(x)
        x = x.view(x.size(0), -1)
        return self.softmax(self.fc(x))


model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

num_epochs = 10
for epoch in range(num_epochs):
    model.train()
    permutation = torch.randperm(X_train.size(0))
    total_loss = 0.0
    for i in range(0, X_train.size(0), 40):
        indices = permutation[i:i + 40]
        optimizer.zero_grad()
        loss = criterion(model(X_train[indices]), y_train[indices])
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    print(f"Epoch [{epoch + 1}/{num_epochs}], Loss: {total_loss / (i / 40 + 1):.4f}")

model.eval()
with torch.no_grad():
    predicted = model(X_test).argmax(1)
print(classification_report(y_test, predicted, zero_division=0))
